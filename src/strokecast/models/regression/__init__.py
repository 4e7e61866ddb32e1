"""Forecasters by regression on lags: ridge, boosted trees and their mean."""

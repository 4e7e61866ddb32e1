"""Direct multi-step regression on lags: ridge, boosted trees and their mean."""

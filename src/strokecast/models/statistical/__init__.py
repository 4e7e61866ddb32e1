"""Statistical forecasters of one series: seasonal naive and models of statsforecast."""

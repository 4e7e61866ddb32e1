"""The interactive report page `reports/index.html`: sections with their data, scripts and styles."""

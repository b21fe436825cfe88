"""Rules, scrape jobs and routes, tried with the real servers of two generations."""

"""A speech server for this machine: OpenAI's endpoints, with flite and pocketsphinx behind them."""

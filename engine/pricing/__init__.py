"""What an order costs and why: prices, promotions, taxes, and how an amount is divided without losing a cent."""

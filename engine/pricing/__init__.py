"""What an order costs and why: prices, promotions, taxes, and how an amount is divided without losing a cent.

catalogue  promotions made ready for many quotes, indexed by what they need in a basket
checking   what is wrong with prices, taxes and promotions that can't be kept
combining  which of the promotions that could apply do: stacked, the best of a group, or one alone
effects    what one promotion takes off a basket: minor units by line, and of shipping
history    which price held when: for the lowest price of the days before a reduction
kinds      what a promotion can give: a row for each kind of effect
lists      which unit price holds for whom
moments    moments and days of prices, as nanoseconds of UTC
quoting    a quote: what a basket costs, line by line, with every discount and the tax in it
shipping   what sending costs where the shop does not say so itself
taxes      which tax is on what, and how much of an amount is tax
vouchers   vouchers that are handed in: which promotions they open, what they pay, and why one is refused
"""

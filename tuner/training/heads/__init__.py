"""How are the heads of many trials trained at once, for little more than the price of one? No Keras at import.

On a frozen backbone, trials that differ only in values (rates, momentum, decay, smoothing, penalties, dropout) see the
same batches in the same order. Their heads lie side by side as the columns of one matrix: one multiplication gives the
scores of all, another the gradients of all, and each column is updated by its own rule with its own numbers. The loss
is the sum over heads, so no head feels another: each is the head that would have been trained alone.
"""

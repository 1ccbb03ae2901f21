/** A replica thread that a record keeps busy for ever: it takes no message any more, not even that it should end. */
for (;;);

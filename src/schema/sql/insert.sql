{>enqueue}
{hint}

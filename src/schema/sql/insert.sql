{>enqueue}
{>hint}

namespace Strata;

/// <summary>By what a message is known to whoever has taken it: where it lies until its lease ends, and the commit that put it there.</summary>
/// <param name="Key">Where it lies.</param>
/// <param name="Stamp">The commit: once another one has moved it, the receipt is worth nothing.</param>
internal readonly record struct QueueReceipt(ReadOnlyMemory<byte> Key, Versionstamp Stamp)
{
    public static QueueReceipt Of(QueueDelivery delivery) => new(delivery.Key, delivery.Stamp);

    public KvCheck Check => new(Key, Stamp);
}

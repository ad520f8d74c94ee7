namespace Strata;

/// <summary>A message that a listener has taken: where it lies now, and how long it is the listener's.</summary>
internal sealed class QueueDelivery(ReadOnlyMemory<byte> key, Versionstamp stamp, QueueRecord record, DateTimeOffset leaseEnds)
{
    public QueueRecord Record { get; } = record;

    public ReadOnlyMemory<byte> Key { get; private set; } = key;

    public Versionstamp Stamp { get; private set; } = stamp;

    public DateTimeOffset LeaseEnds { get; private set; } = leaseEnds;

    /// <summary>Where it may lie instead: a write that moved it has an unknown outcome.</summary>
    public ReadOnlyMemory<byte>? MaybeAt { get; private set; }

    /// <summary>Somebody else has it, or may have.</summary>
    public bool IsLost { get; set; }

    public QueueMessage Message => new(QueueKeys.IdOf(Key), Record.Value, Record.Deliveries, Record.Enqueued);

    public KvCheck Check => new(Key, Stamp);

    public void Moved(ReadOnlyMemory<byte> to, Versionstamp at, DateTimeOffset until) => (Key, Stamp, LeaseEnds, MaybeAt) = (to, at, until, null);

    public void MayHaveMoved(ReadOnlyMemory<byte> to) => MaybeAt = to;
}

namespace Strata;

/// <summary>An intent that is this worker's to send.</summary>
/// <param name="key">Its key.</param>
/// <param name="stamp">Of its row.</param>
/// <param name="entry">What the row says.</param>
internal sealed class OutboxLease(string key, Versionstamp stamp, OutboxEntry entry)
{
    public string Key { get; } = key;

    public Versionstamp Stamp { get; set; } = stamp;

    public OutboxEntry Entry { get; set; } = entry;

    public OutboxIntent ToIntent() => new(Key, Entry.Change, DateTimeOffset.FromUnixTimeMilliseconds(Entry.Enqueued), Entry.Attempts, Entry.Data);
}

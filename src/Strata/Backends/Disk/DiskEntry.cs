namespace Strata;

/// <summary>What the disk store keeps in memory of a blob.</summary>
internal sealed class DiskEntry
{
    public DiskEntry(BlobInfo info, ulong sequence, long fileBytes)
    {
        Info = info;
        Sequence = sequence;
        FileBytes = fileBytes;
        Node = new LinkedListNode<DiskEntry>(this);
    }

    public BlobInfo Info { get; }

    /// <summary>Names the file together with the key; of two files of one key the higher counts.</summary>
    public ulong Sequence { get; }

    public long FileBytes { get; }

    /// <summary>Bytes claimed for the file before it was published; given back when it enters the books.</summary>
    public long ClaimedBytes { get; init; }

    public LinkedListNode<DiskEntry> Node { get; }

    /// <summary>Set by a read, cleared when the eviction's hand passes (second chance).</summary>
    public bool Visited { get; set; }

    public bool IsVisible(TimeProvider clock) => Info.Expires is not { } expires || clock.GetUtcNow() < expires;
}

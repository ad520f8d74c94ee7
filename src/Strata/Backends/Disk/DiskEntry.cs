namespace Strata;

/// <summary>What the disk store keeps in memory of a blob.</summary>
internal sealed class DiskEntry
{
    public DiskEntry(BlobInfo info, ulong sequence, long ownBytes, DiskParts.Lease? lease = null)
    {
        Info = info;
        Sequence = sequence;
        OwnBytes = ownBytes;
        Lease = lease;
        Node = new LinkedListNode<DiskEntry>(this);
    }

    public BlobInfo Info { get; }

    /// <summary>Names the file together with the key; of two files of one key the higher counts.</summary>
    public ulong Sequence { get; }

    /// <summary>Bytes of the blob's own file: with its payload, or the manifest alone.</summary>
    public long OwnBytes { get; }

    /// <summary>For a composed blob: keeps its part files.</summary>
    public DiskParts.Lease? Lease { get; }

    public DiskParts? Parts => Lease?.Parts;

    /// <summary>Bytes of all its files.</summary>
    public long FileBytes => OwnBytes + (Parts?.FileBytes ?? 0);

    /// <summary>Bytes claimed for the file before it was published; given back when it enters the books.</summary>
    public long ClaimedBytes { get; init; }

    public LinkedListNode<DiskEntry> Node { get; }

    /// <summary>Set by a read, cleared when the eviction's hand passes (second chance).</summary>
    public bool Visited { get; set; }

    public bool IsVisible(TimeProvider clock) => Info.Expires is not { } expires || clock.GetUtcNow() < expires;
}

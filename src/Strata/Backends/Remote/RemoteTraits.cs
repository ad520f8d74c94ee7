namespace Strata;

/// <summary>What an object store's server honours, and its limits. What it does not honour it may ignore in silence: nothing is taken for granted.</summary>
internal sealed record RemoteTraits
{
    /// <summary>How records are written into headers.</summary>
    public required RemoteRecord Record { get; init; }

    /// <summary>Where a blob's record is, for messages.</summary>
    public required string RecordPlace { get; init; }

    /// <summary>What the server calls that in which objects are.</summary>
    public required string ContainerWord { get; init; }

    /// <summary>What the server calls a part of an upload.</summary>
    public required string PartWord { get; init; }

    /// <summary>The longest blob, in bytes.</summary>
    public required long MaxBlobBytes { get; init; }

    /// <summary>The longest that is written in one request, in bytes.</summary>
    public required long MaxSingleBytes { get; init; }

    /// <summary>The most parts of an upload.</summary>
    public required int MaxParts { get; init; }

    /// <summary>The longest part, in bytes.</summary>
    public required long MaxPartBytes { get; init; }

    /// <summary>The shortest part but for an upload's last, in bytes.</summary>
    public int MinPartBytes { get; init; } = 1;

    /// <summary>What one request copies of a longer blob, where parts need not be longer: some go side by side.</summary>
    public required long CopiedAtOnce { get; init; }

    /// <summary>True if all parts of an upload but the last must have one length.</summary>
    public bool UniformParts { get; init; }

    /// <summary>Writes in one request under a condition.</summary>
    public bool ConditionalPut { get; init; }

    /// <summary>Joins parts under a condition.</summary>
    public bool ConditionalJoin { get; init; }

    /// <summary>Deletes under a condition.</summary>
    public bool ConditionalDelete { get; init; }

    /// <summary>Copies under a condition on the target.</summary>
    public bool ConditionalCopy { get; init; }

    /// <summary>Copies under a condition on the source.</summary>
    public bool CopySourceMatch { get; init; }

    /// <summary>True if every change gives an object another ETag, even one of metadata alone or to the very same bytes.</summary>
    public bool UniqueETags { get; init; }

    /// <summary>True if a delete tells whether there was something: then each names what it removes, and its lost reply is cleared up by a look.</summary>
    public bool TellsMissing { get; init; }

    /// <summary>True if a record can be written anew without a copy.</summary>
    public bool UpdatesInPlace { get; init; }

    /// <summary>True if an upload's headers are those of its beginning: what is known later goes into an appendix.</summary>
    public bool DescribesAtBegin { get; init; }

    /// <summary>True if the last bytes can be asked for without the length being known.</summary>
    public bool SuffixRanges { get; init; }

    /// <summary>True if listings tell records.</summary>
    public bool ListsRecords { get; init; }

    /// <summary>How many objects one request removes; 0 for one each.</summary>
    public int MostInOneDelete { get; init; }
}

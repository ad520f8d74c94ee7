namespace Strata.Server;

/// <summary><see cref="WriteCondition"/> as JSON.</summary>
internal sealed record ConditionWire(WriteConditionKind Kind, string? Etag = null, string? Version = null)
{
    public static ConditionWire? From(WriteCondition condition) => condition.Kind switch
    {
        WriteConditionKind.None => null,
        WriteConditionKind.IfMatch => new(condition.Kind, condition.ETag),
        WriteConditionKind.IfOlder => new(condition.Kind, Version: condition.Version.ToString()),
        _ => new(condition.Kind),
    };

    public WriteCondition ToCondition() => Kind switch
    {
        WriteConditionKind.None => WriteCondition.None,
        WriteConditionKind.IfAbsent => WriteCondition.IfAbsent,
        WriteConditionKind.IfMatch => WriteCondition.IfMatch(Etag ?? ""),
        WriteConditionKind.IfOlder => WriteCondition.IfOlder(BlobInfoWire.VersionOf(Version)),
        _ => throw new ArgumentException($"A condition is one of IfAbsent, IfMatch and IfOlder; this is '{Kind}'."),
    };
}

/// <summary><see cref="WriteOptions"/> as JSON.</summary>
internal sealed record WriteOptionsWire
{
    public ConditionWire? Condition { get; init; }

    public string? ContentType { get; init; }

    public string? ContentEncoding { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    public DateTimeOffset? Expires { get; init; }

    public string? Etag { get; init; }

    public string? Checksum { get; init; }

    public string? Tier { get; init; }

    public IReadOnlyCollection<string>? SkipTiers { get; init; }

    public IReadOnlyCollection<string>? OnlyTiers { get; init; }

    public BlobInfoWire? AsCopyOf { get; init; }

    public static WriteOptionsWire From(WriteOptions options) => new()
    {
        Condition = ConditionWire.From(options.Condition),
        ContentType = options.ContentType,
        ContentEncoding = options.ContentEncoding,
        Metadata = options.Metadata,
        Expires = options.Expires,
        Etag = options.ETag,
        Checksum = BlobInfoWire.HexOf(options.Checksum),
        Tier = options.Tier,
        SkipTiers = options.SkipTiers,
        OnlyTiers = options.OnlyTiers,
        AsCopyOf = options.AsCopyOf is null ? null : BlobInfoWire.From(options.AsCopyOf),
    };

    public WriteOptions ToOptions() => new()
    {
        Condition = Condition?.ToCondition() ?? default,
        ContentType = ContentType,
        ContentEncoding = ContentEncoding,
        Metadata = Metadata,
        Expires = Expires,
        ETag = Etag,
        Checksum = BlobInfoWire.ChecksumOf(Checksum),
        Tier = Tier,
        SkipTiers = SkipTiers,
        OnlyTiers = OnlyTiers,
        AsCopyOf = AsCopyOf?.ToInfo(),
    };
}

/// <summary><see cref="BlobChanges"/> as JSON; <paramref name="Set"/> names what changes, for a null may be a new value too.</summary>
internal sealed record BlobChangesWire(
    IReadOnlyList<string> Set,
    DateTimeOffset? Expires = null,
    string? ContentType = null,
    string? ContentEncoding = null,
    IReadOnlyDictionary<string, string>? Metadata = null,
    IReadOnlyDictionary<string, string?>? MetadataEdits = null,
    bool KeepsETag = false)
{
    public static BlobChangesWire From(BlobChanges changes)
    {
        var set = new List<string>();
        if (changes.Expires.IsSet) set.Add("expires");
        if (changes.ContentType.IsSet) set.Add("contentType");
        if (changes.ContentEncoding.IsSet) set.Add("contentEncoding");
        if (changes.Metadata.IsSet) set.Add("metadata");
        return new(set, changes.Expires.Or(null), changes.ContentType.Or(null), changes.ContentEncoding.Or(null), changes.Metadata.Or(null), changes.MetadataEdits, changes.KeepsETag);
    }

    public BlobChanges ToChanges() => new()
    {
        Expires = Has("expires") ? Expires : default(Change<DateTimeOffset?>),
        ContentType = Has("contentType") ? ContentType : default(Change<string?>),
        ContentEncoding = Has("contentEncoding") ? ContentEncoding : default(Change<string?>),
        Metadata = Has("metadata") ? new Change<IReadOnlyDictionary<string, string>?>(Metadata) : default,
        MetadataEdits = MetadataEdits,
        KeepsETag = KeepsETag,
    };

    private bool Has(string name) => Set.Contains(name);
}

/// <summary>An update: what changes, and what must hold.</summary>
internal sealed record UpdateWire(BlobChangesWire Changes, ConditionWire? Condition = null);

/// <summary>A copy within a store.</summary>
internal sealed record CopyWire(
    string Source, string Target, ConditionWire? SourceCondition = null, ConditionWire? Condition = null, BlobChangesWire? Replace = null)
{
    public static CopyWire From(BlobKey source, BlobKey target, CopyOptions? options) => new(
        source.Value,
        target.Value,
        ConditionWire.From(options?.SourceCondition ?? default),
        ConditionWire.From(options?.Condition ?? default),
        options?.Replace is null ? null : BlobChangesWire.From(options.Replace));

    public CopyOptions ToOptions() => new()
    {
        SourceCondition = SourceCondition?.ToCondition() ?? default,
        Condition = Condition?.ToCondition() ?? default,
        Replace = Replace?.ToChanges(),
    };
}

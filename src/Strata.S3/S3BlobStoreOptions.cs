using Amazon.Runtime;

namespace Strata.S3;

/// <summary>Settings of an <see cref="S3BlobStore"/>.</summary>
public sealed record S3BlobStoreOptions
{
    /// <summary>The longest object that one PutObject or CopyObject takes: 5 GiB.</summary>
    internal const long MaxSingleBytes = 5L << 30;

    /// <summary>What S3 takes as an object's name, in bytes.</summary>
    internal const int MaxKeyBytes = 1024;

    private const int LeastPartBytes = 5 << 20;

    /// <summary>The bucket, which must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What stands before each key in the bucket, with its <c>/</c> at the end; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The store's name in messages and results. Default <c>s3</c>.</summary>
    public string Name { get; init; } = "s3";

    /// <summary>Where the server is; null for AWS's endpoint of the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region, which is part of every signature; null for what the environment says, and <c>us-east-1</c> where an endpoint is given.</summary>
    public string? Region { get; init; }

    /// <summary>Which S3 this is; null to tell by the endpoint and, where that does not say, by trying (some small objects under <c>.strata/</c>, at opening).</summary>
    public S3Provider? Provider { get; init; }

    /// <summary>Credentials; null for those that the environment, the profile or the machine's role give, as every AWS tool finds them.</summary>
    public AWSCredentials? Credentials { get; init; }

    /// <summary>True to write the bucket in the path, not in the host's name; null for true where an endpoint is given.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>
    /// True if every write to this bucket and prefix passes through this one store, so that its own locks decide all
    /// conditions (<see cref="StoreCapabilities.IsSingleWriter"/>). Default false. Wrongly true, two writers undo each other.
    /// </summary>
    public bool SingleWriter { get; init; }

    /// <summary>
    /// True (default): a write first asks what it replaces (one HEAD), so that the creation time is kept and the version
    /// rises above that of a writer whose clock is ahead. False: an unconditional write of a small blob is one request; its
    /// creation time is its own, and of writers whose clocks differ the last to arrive wins.
    /// </summary>
    public bool LooksBeforeWriting { get; init; } = true;

    /// <summary>
    /// How long a delete leaves a tombstone, 30 minutes to 366 days: an object of 16 bytes that every Strata takes for nothing, by
    /// which later writes rise above the delete's version, and with <see cref="SingleWriter"/> <see cref="WriteCondition.IfOlder"/> holds; null (default): deletes leave nothing where they can. Every store
    /// of this bucket and prefix must have the same. A look goes before every write then. <see cref="IBlobSweep"/> removes those whose time is over.
    /// </summary>
    public TimeSpan? KeepsTombstones { get; init; }

    /// <summary>Bytes of a part, and the most that is sent as one object: 5 MiB to 1 GiB. Default 8 MiB. A write holds up to (<see cref="Parallelism"/> + 1) parts in memory.</summary>
    public int PartSize { get; init; } = 8 << 20;

    /// <summary>Parts of one write that are under way at once: 1 to 64; looks of one listing or bulk delete: this, but at least 16. Default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Storage class of what is written, such as <c>STANDARD_IA</c>; null for the bucket's.</summary>
    public string? StorageClass { get; init; }

    /// <summary>Encryption at rest that is asked for; null for the bucket's own rule.</summary>
    public S3Encryption? Encryption { get; init; }

    /// <summary>An upload in parts (<see cref="IMultipartUploads"/>) that nobody touched for this long is gone: more than 0. Default 7 days. A sweep removes what is left of it.</summary>
    public TimeSpan UploadExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How often one request is tried, the first time included: 1 to 20. Default 5.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Pause before the second attempt; it doubles up to 20 s, with jitter. A server's Retry-After, up to 60 s, goes before it. Default 100 ms.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one attempt may go without a byte in either direction. Default 30 s.</summary>
    public TimeSpan ProgressTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server may work on a copy or on joining the parts of an upload without a word. Default 10 min.</summary>
    public TimeSpan ServerWorkTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Folder for the content of large conditional writes, where the provider honours conditions on single objects alone
    /// (no <see cref="S3Abilities.ConditionalComplete"/>): they are gathered in a file, up to 5 GiB. Default: the system's.
    /// </summary>
    public string SpoolFolder { get; init; } = Path.GetTempPath();

    /// <summary>The longest object that is copied in one request; for tests, which have less than 5 GiB.</summary>
    internal long MaxCopyBytes { get; init; } = MaxSingleBytes;

    /// <summary>What all stores over a network have.</summary>
    internal RemoteOptions Remote => new()
    {
        Name = Name, Prefix = Prefix, MaxNameBytes = MaxKeyBytes, Endpoint = Endpoint, SingleWriter = SingleWriter, LooksBeforeWriting = LooksBeforeWriting, KeepsTombstones = KeepsTombstones, PartSize = PartSize,
        Parallelism = Parallelism, UploadExpiry = UploadExpiry, MaxAttempts = MaxAttempts, RetryDelay = RetryDelay, ProgressTimeout = ProgressTimeout, ServerWorkTimeout = ServerWorkTimeout,
        MaxCopyBytes = MaxCopyBytes, SpoolFolder = SpoolFolder,
    };

    internal void Check()
    {
        ArgumentException.ThrowIfNullOrEmpty(Bucket);
        if (Bucket.Contains('/', StringComparison.Ordinal)) throw new ArgumentException("A bucket's name holds no '/'.", nameof(Bucket));
        Remote.Check();
        if (Endpoint is { UserInfo.Length: > 0 }) throw new ArgumentException("The endpoint may not hold credentials: addresses are shown.", nameof(Endpoint));
        if (PartSize is < LeastPartBytes or > 1 << 30) throw new ArgumentException($"PartSize must be {LeastPartBytes} to {1 << 30}; it is {PartSize}.", nameof(PartSize));
    }
}

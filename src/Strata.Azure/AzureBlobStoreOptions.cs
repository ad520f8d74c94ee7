using Azure.Core;

namespace Strata.Azure;

/// <summary>Settings of an <see cref="AzureBlobStore"/>. Its text never shows a secret.</summary>
public sealed record AzureBlobStoreOptions
{
    /// <summary>What Azure takes as a blob's name, in characters; Strata counts bytes, which are never fewer.</summary>
    internal const int MaxNameBytes = 1024;

    /// <summary>The longest blob that one request writes.</summary>
    internal const long MaxSingleBytes = 5_000L << 20;

    /// <summary>The longest blob that Azure copies in one request, and the blocks of longer ones.</summary>
    internal const long MostInOneCopy = 256L << 20;

    /// <summary>The container, which must exist.</summary>
    public required string Container { get; init; }

    /// <summary>What stands before each key in the container, with its <c>/</c> at the end; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The store's name in messages and results. Default <c>azure</c>.</summary>
    public string Name { get; init; } = "azure";

    /// <summary>
    /// A connection string, as the portal shows it; null: <see cref="Account"/>, and what the environment says. It goes
    /// before all other credentials but <see cref="Token"/>.
    /// </summary>
    public string? ConnectionString { get; init; }

    /// <summary>The storage account; null for the one that the connection string or <c>AZURE_STORAGE_ACCOUNT</c> names.</summary>
    public string? Account { get; init; }

    /// <summary>The account's key, in Base64; null for <c>AZURE_STORAGE_KEY</c>.</summary>
    public string? AccountKey { get; init; }

    /// <summary>A shared access signature (the text behind the <c>?</c>); null for <c>AZURE_STORAGE_SAS_TOKEN</c>.</summary>
    public string? Sas { get; init; }

    /// <summary>A credential of Microsoft Entra, such as those of Azure.Identity. Where it is given, no other is used.</summary>
    public TokenCredential? Token { get; init; }

    /// <summary>Where the service is; null for <c>https://ACCOUNT.blob.core.windows.net</c>. An emulator's ends in its account's name.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The version of the service's interface that is asked for (<c>x-ms-version</c>). Default <c>2026-02-06</c>, the first that can begin a listing in its middle; with an older one each page of a listing reads what is before it.</summary>
    public string ServiceVersion { get; init; } = "2026-02-06";

    /// <summary>
    /// True if every write to this container and prefix passes through this one store
    /// (<see cref="StoreCapabilities.IsSingleWriter"/>). Default false. Conditions hold either way: the service decides them.
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
    /// which later writes rise above the delete's version and <see cref="WriteCondition.IfOlder"/> holds; null (default): deletes leave nothing where they can. Every store
    /// of this container and prefix must have the same. A look goes before every write then. <see cref="IBlobSweep"/> removes those whose time is over.
    /// </summary>
    public TimeSpan? KeepsTombstones { get; init; }

    /// <summary>Bytes of a block, and the most that is sent as one request: 64 KiB to 1 GiB. Default 8 MiB. A write holds up to (<see cref="Parallelism"/> + 1) blocks in memory.</summary>
    public int BlockSize { get; init; } = 8 << 20;

    /// <summary>Blocks of one write that are under way at once: 1 to 64. Default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Access tier of what is written; null for the account's. What is in <see cref="AccessTier.Archive"/> cannot be read.</summary>
    public AccessTier? AccessTier { get; init; }

    /// <summary>An upload in parts (<see cref="IMultipartUploads"/>) that nobody touched for this long is gone: more than 0. Default 7 days. A sweep removes what is left of it.</summary>
    public TimeSpan UploadExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How often one request is tried, the first time included: 1 to 20. Default 5.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Pause before the second attempt; it doubles up to 20 s, with jitter. A server's Retry-After, up to 60 s, goes before it. Default 100 ms.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one attempt may go without a byte in either direction. Default 30 s.</summary>
    public TimeSpan ProgressTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server may work on a copy or on joining the blocks of an upload without a word. Default 10 min.</summary>
    public TimeSpan ServerWorkTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The most that is copied in one request; for tests, which copy less than 256 MiB.</summary>
    internal long MaxCopyBytes { get; init; } = MostInOneCopy;

    /// <summary>Without its secrets.</summary>
    public override string ToString() => $"{nameof(AzureBlobStoreOptions)} {{ Container = {Container}, Prefix = {Prefix}, Name = {Name} }}";

    /// <summary>What all stores over a network have.</summary>
    internal RemoteOptions Remote => new()
    {
        Name = Name, Prefix = Prefix, MaxNameBytes = MaxNameBytes, Endpoint = Endpoint, SingleWriter = SingleWriter, LooksBeforeWriting = LooksBeforeWriting, KeepsTombstones = KeepsTombstones, PartSize = BlockSize,
        Parallelism = Parallelism, UploadExpiry = UploadExpiry, MaxAttempts = MaxAttempts, RetryDelay = RetryDelay, ProgressTimeout = ProgressTimeout, ServerWorkTimeout = ServerWorkTimeout,
        MaxCopyBytes = MaxCopyBytes,
    };

    internal void Check()
    {
        ArgumentException.ThrowIfNullOrEmpty(Container);
        ArgumentException.ThrowIfNullOrEmpty(ServiceVersion);
        bool isName = Container is "$root" or "$web" || (Container.Length is >= 3 and <= 63 && Container.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'));
        if (!isName) throw new ArgumentException($"'{Container}' is no container's name: 3 to 63 lower-case letters, digits and '-'.", nameof(Container));
        Remote.Check();
        if (BlockSize is < 64 << 10 or > 1 << 30) throw new ArgumentException($"BlockSize must be 64 KiB to 1 GiB; it is {BlockSize}.", nameof(BlockSize));
    }
}

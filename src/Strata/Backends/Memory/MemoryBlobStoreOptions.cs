namespace Strata;

/// <summary>Settings of a <see cref="MemoryBlobStore"/>.</summary>
public sealed record MemoryBlobStoreOptions
{
    /// <summary>The store's name in messages and results. Default <c>memory</c>.</summary>
    public string Name { get; init; } = "memory";

    /// <summary>
    /// Capacity in bytes, 64 KiB or more: payloads, keys, metadata and bookkeeping together. Default 128 MiB.
    /// <see cref="MemoryBlobStore.MaxBytes"/> changes it later.
    /// </summary>
    public long MaxBytes { get; init; } = 128L << 20;

    /// <summary>
    /// What happens when the store is full. False (default): writes are refused with kind Full and nothing is lost while
    /// the process lives. True: the store is a cache that drops what is read least.
    /// </summary>
    public bool Evicts { get; init; }

    /// <summary>
    /// The longest blob in bytes; null (default) is <see cref="MaxBytes"/>, or an eighth of it where the store evicts, so
    /// that one blob never pushes out all others. A longer one is refused with kind TooLarge and pushes nothing out.
    /// </summary>
    public long? MaxBlobBytes { get; init; }

    /// <summary>
    /// Whether a store that evicts gives up part of its capacity while the process is short of memory, as the garbage
    /// collector sees it: down to an eighth, a quarter less after each full collection, and back when the shortage is over. The longest blob that
    /// is taken shrinks with it.
    /// Default false; true needs <see cref="Evicts"/>.
    /// </summary>
    public bool YieldsToPressure { get; init; }

    /// <summary>An upload in parts that nobody touched for this long is removed: more than 0. Default 7 days.</summary>
    public TimeSpan UploadExpiry { get; init; } = TimeSpan.FromDays(7);
}

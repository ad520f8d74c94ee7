using System.Text;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier in which blobs live, with what it has done since the store was opened.</summary>
internal sealed class HomeTier(Tier tier, bool isLast, TimeProvider clock, ILogger log) : TierCounters(tier, isLast, clock, log)
{
    /// <summary>Whether requests to it go over a network, where one that was given up may still come through.</summary>
    public bool IsRemote { get; } = tier.Store.TryGetFacet(out IStoreHealth? _);

    /// <summary>Its uploads in parts; null: it takes none.</summary>
    public IMultipartUploads? Uploads { get; } = tier.Store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : null;

    /// <summary>What the ids of its uploads end with, so that an id alone tells which tier to ask; as long as the tier has its name.</summary>
    public string UploadSuffix { get; } = $"-{Crc32C.Of(Encoding.UTF8.GetBytes(tier.Name)):x8}";

    /// <summary>Whether it says that so many bytes more have room; a tier that does not count may still refuse them.</summary>
    public bool HasRoom(long length) =>
        !Store.TryGetFacet(out IStoreStatistics? statistics) || statistics.GetStatistics() is not { MaxBytes: { } most } held || held.Bytes <= most - length;

    /// <summary>A failure of the tier, by its name.</summary>
    public StorageException Named(StorageException e, string operation, BlobKey key) => new(e.Kind, $"Tier '{Name}' failed to {operation} '{key}': {e.Message}", e)
    {
        Outcome = e.Outcome, IsTransient = e.IsTransient, Operation = operation, Key = key, Store = Name,
    };
}

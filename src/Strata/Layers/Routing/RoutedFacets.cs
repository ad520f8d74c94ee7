using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>What mounted stores can do besides the contract, made one: each is there where it makes sense of the whole.</summary>
internal static class RoutedFacets
{
    /// <summary>The facets that a store over these mounts has.</summary>
    public static IEnumerable<object> Of(RoutedBlobStore store, MountTable table)
    {
        if (table.Mounts.Any(mount => mount.Shared is not null)) yield return new SharedReads(store);
        if (table.Mounts.Any(mount => mount.Uploads is not null)) yield return new RoutedUploads(store, table);
        MountedStore[] mounts = [.. table.Mounts.DistinctBy(mount => mount.Store)];
        if (mounts.Any(mount => mount.Facet<IBlobSweep>() is not null)) yield return new Sweep(store, mounts);
        if (mounts.Any(mount => mount.Facet<IPresignedUrls>() is not null)) yield return new PresignedUrls(store);
        if (mounts.Any(mount => mount.Facet<IStoreHealth>() is not null)) yield return new Health(mounts);
        if (mounts.All(mount => mount.Facet<IStoreStatistics>() is not null)) yield return new Statistics(mounts);
    }

    /// <summary>Hits in the memory of whichever store the key belongs to.</summary>
    private sealed class SharedReads(RoutedBlobStore store) : ISharedReads
    {
        public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit) => store.TryRead(key, out hit);
    }

    /// <summary>Sweeps one store after the other: those that have to be.</summary>
    private sealed class Sweep(RoutedBlobStore store, IReadOnlyList<MountedStore> mounts) : IBlobSweep
    {
        public async ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default)
        {
            using OperationGate.Pass pass = store.Enter("sweep");
            var all = new SweepResult();
            foreach (MountedStore mount in mounts)
            {
                if (mount.Facet<IBlobSweep>() is not { } sweep) continue;
                SweepResult before = all;
                var told = progress is null ? null : new Sum(progress, before);
                all = Add(before, await mount.CallAsync(() => sweep.SweepAsync(options, told, cancellationToken)).ConfigureAwait(false));
            }

            return all;
        }

        private static SweepResult Add(SweepResult one, SweepResult other) => new()
        {
            Listed = one.Listed + other.Listed,
            Expired = one.Expired + other.Expired,
            Tombstones = one.Tombstones + other.Tombstones,
            Appendices = one.Appendices + other.Appendices,
            Uploads = one.Uploads + other.Uploads,
            Bytes = one.Bytes + other.Bytes,
            Kept = one.Kept + other.Kept,
            Failed = one.Failed + other.Failed,
        };

        private sealed class Sum(IProgress<SweepResult> progress, SweepResult before) : IProgress<SweepResult>
        {
            public void Report(SweepResult value) => progress.Report(Add(before, value));
        }
    }

    private sealed class PresignedUrls(RoutedBlobStore store) : IPresignedUrls
    {
        public async ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default)
        {
            using OperationGate.Pass pass = store.Enter(key, "presign", cancellationToken);
            (MountedStore mount, IPresignedUrls urls) = Of(key);
            return await mount.CallAsync(() => urls.ForReadAsync(key, lifetime, cancellationToken)).ConfigureAwait(false);
        }

        public async ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default)
        {
            using OperationGate.Pass pass = store.Enter(key, "presign", cancellationToken);
            (MountedStore mount, IPresignedUrls urls) = Of(key);
            return await mount.CallAsync(() => urls.ForWriteAsync(key, lifetime, contentType, cancellationToken)).ConfigureAwait(false);
        }

        private (MountedStore Mount, IPresignedUrls Urls) Of(BlobKey key)
        {
            MountedStore mount = store.MountOf(key, "presign");
            return mount.Facet<IPresignedUrls>() is { } urls ? (mount, urls) : throw mount.Named(StorageException.Unsupported("presign", key, mount.Store.Capabilities.Store, "presigned addresses"));
        }
    }

    /// <summary>What is wrong with the first of them with which something is.</summary>
    private sealed class Health(IReadOnlyList<MountedStore> mounts) : IStoreHealth
    {
        public string? Fault => mounts.Select(mount => mount.Facet<IStoreHealth>()?.Fault is { } fault ? $"In {mount.Mount}: {fault}" : null).FirstOrDefault(fault => fault is not null);
    }

    /// <summary>The sums over all stores, what they hold of others' keys included.</summary>
    private sealed class Statistics(IReadOnlyList<MountedStore> mounts) : IStoreStatistics
    {
        public StoreStatistics GetStatistics()
        {
            StoreStatistics[] all = [.. mounts.Select(mount => mount.Facet<IStoreStatistics>()!.GetStatistics())];
            int faulty = Array.FindIndex(all, one => one.Fault is not null);
            return new StoreStatistics
            {
                Blobs = all.Sum(one => one.Blobs),
                Bytes = all.Sum(one => one.Bytes),
                MaxBytes = all.All(one => one.MaxBytes is not null) ? all.Sum(one => one.MaxBytes) : null,
                FileBytes = all.Any(one => one.FileBytes is not null) ? all.Sum(one => one.FileBytes) : null,
                Fault = faulty < 0 ? null : $"In {mounts[faulty].Mount}: {all[faulty].Fault}",
                Evictions = all.Sum(one => one.Evictions),
                Expirations = all.Sum(one => one.Expirations),
            };
        }
    }
}

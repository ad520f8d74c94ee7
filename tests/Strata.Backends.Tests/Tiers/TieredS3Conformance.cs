using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The whole contract through memory over disk over a bucket.</summary>
public abstract class TieredS3Conformance(S3Server server) : BlobStoreConformance
{
    private string? _bucket;
    private string? _folder;

    protected override int ListingStride => 11;

    protected virtual TieringOptions Options => new();

    protected virtual S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options;

    protected sealed override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        _bucket = await server.CreateBucketAsync();
        _folder = Directory.CreateTempSubdirectory("strata-tiers-").FullName;
        return await new TieredStoreBuilder().WithContext(context).WithOptions(Options)
            .AddTier("hot", "memory:?maxBytes=64MiB")
            .AddTier("warm", $"file:{_folder}/warm")
            .AddTier("cold", await S3BlobStore.OpenAsync(Adjust(server.OptionsFor(_bucket)), context))
            .WithState($"file:{_folder}/state")
            .OpenAsync();
    }

    protected sealed override async ValueTask CleanUpAsync()
    {
        if (_bucket is not null) await server.RemoveBucketAsync(_bucket);
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }
}

using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The whole contract over a real server; parts of 5 MiB, so that the suite's largest blob goes in two.</summary>
public abstract class S3Conformance(S3Server server) : BlobStoreConformance
{
    private string? _bucket;

    protected override int ListingStride => 11;

    protected virtual S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options;

    protected sealed override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        _bucket = await server.CreateBucketAsync();
        return await S3BlobStore.OpenAsync(Adjust(server.OptionsFor(_bucket)), context);
    }

    protected sealed override async ValueTask CleanUpAsync()
    {
        if (_bucket is null) return;
        Assert.Empty(await server.UploadsAsync(_bucket));
        await server.RemoveBucketAsync(_bucket);
    }
}

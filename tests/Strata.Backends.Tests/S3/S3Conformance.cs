using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The whole contract over a real server; parts of 5 MiB, so that the suite's largest blob goes in two.</summary>
public abstract class S3Conformance(S3Server server) : BlobStoreConformance
{
    private string? _bucket;

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

[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class StrataS3Conformance(StrataS3Server server) : S3Conformance(server);

[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class SingleWriterStrataS3Conformance(StrataS3Server server) : S3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true, Provider = S3Provider.Garage };
}

[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(CephServer))]
public sealed class CephS3Conformance(CephServer server) : S3Conformance(server);

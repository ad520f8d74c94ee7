using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A bucket that nobody else writes to.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class SingleWriterTieredS3Conformance(StrataS3Server server) : TieredS3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true };
}

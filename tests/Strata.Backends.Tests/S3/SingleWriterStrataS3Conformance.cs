using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A server that honours nothing, and the only writer: the store's own locks decide all conditions.</summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class SingleWriterStrataS3Conformance(StrataS3Server server) : S3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true, Provider = S3Provider.Garage };
}

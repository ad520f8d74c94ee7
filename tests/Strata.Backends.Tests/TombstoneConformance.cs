using Strata.Azure;
using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>With tombstones a single writer claims IfOlder, and the suite looks at all that comes with it.</summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class TombstoneStrataS3Conformance(StrataS3Server server) : S3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true, KeepsTombstones = TimeSpan.FromHours(1) };
}

/// <summary>Ceph ignores conditions on deletes: the store's own locks decide them, and tombstones are plain writes.</summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(CephServer))]
public sealed class TombstoneCephS3Conformance(CephServer server) : S3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true, KeepsTombstones = TimeSpan.FromHours(1) };
}

/// <summary>Among many writers: Azure's ETag changes with every write.</summary>
[ConformanceOf(typeof(AzureBlobStore))]
[Collection(nameof(AzuriteServer))]
public sealed class TombstoneAzuriteConformance(AzuriteServer server) : AzureConformance(server)
{
    protected override AzureBlobStoreOptions Adjust(AzureBlobStoreOptions options) => options with { KeepsTombstones = TimeSpan.FromHours(1) };
}

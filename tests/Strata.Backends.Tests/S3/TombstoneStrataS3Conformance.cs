using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// With tombstones a single writer claims IfOlder, and the suite looks at all that comes with it; on a server that is taken for
/// Ceph, which ignores conditions on all but plain writes.
/// </summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class TombstoneStrataS3Conformance(StrataS3Server server) : S3Conformance(server)
{
    protected override S3BlobStoreOptions Adjust(S3BlobStoreOptions options) => options with { SingleWriter = true, Provider = S3Provider.Ceph, KeepsTombstones = TimeSpan.FromHours(1) };
}

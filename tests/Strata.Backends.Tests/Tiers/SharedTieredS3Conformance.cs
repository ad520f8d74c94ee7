using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A bucket that others may write to: copies are compared with it all the time.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class SharedTieredS3Conformance(StrataS3Server server) : TieredS3Conformance(server)
{
    protected override TieringOptions Options => new() { FreshFor = TimeSpan.FromMilliseconds(1) };
}

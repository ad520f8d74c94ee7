using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Over Ceph, which ignores most conditions but those of single writes.</summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(CephServer))]
public sealed class CephS3Conformance(CephServer server) : S3Conformance(server);

using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Over our own server.</summary>
[ConformanceOf(typeof(S3BlobStore))]
[Collection(nameof(StrataS3Server))]
public sealed class StrataS3Conformance(StrataS3Server server) : S3Conformance(server);

using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(CephServer))]
public sealed class CephS3FaultTests(CephServer server) : S3FaultTests(server);

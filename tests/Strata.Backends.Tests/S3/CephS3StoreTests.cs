using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(CephServer))]
public sealed class CephS3StoreTests(CephServer server) : S3StoreTests(server);

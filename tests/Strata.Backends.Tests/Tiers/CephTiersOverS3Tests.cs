using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Over Ceph.</summary>
[Collection(nameof(CephServer))]
public sealed class CephTiersOverS3Tests(CephServer server) : TiersOverS3Tests(server);

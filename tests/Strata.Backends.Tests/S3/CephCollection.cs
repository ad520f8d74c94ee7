using Xunit;

namespace Strata.Backends.Tests;

/// <summary>One Ceph for its tests, one after the other.</summary>
[CollectionDefinition(nameof(CephServer))]
public sealed class CephCollection : ICollectionFixture<CephServer>;

using Xunit;

namespace Strata.Backends.Tests;

/// <summary>One server for its tests, one after the other.</summary>
[CollectionDefinition(nameof(StrataS3Server))]
public sealed class StrataS3Collection : ICollectionFixture<StrataS3Server>;

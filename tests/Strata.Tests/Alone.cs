using Xunit;

namespace Strata.Tests;

/// <summary>Tests that measure this process, and so run while no other does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

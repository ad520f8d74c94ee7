using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Over our own server.</summary>
[Collection(nameof(StrataS3Server))]
public sealed class StrataTiersOverS3Tests(StrataS3Server server) : TiersOverS3Tests(server);

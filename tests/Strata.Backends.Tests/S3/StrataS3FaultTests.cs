using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(StrataS3Server))]
public sealed class StrataS3FaultTests(StrataS3Server server) : S3FaultTests(server);

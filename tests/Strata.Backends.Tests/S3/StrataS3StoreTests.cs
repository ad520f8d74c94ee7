using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(StrataS3Server))]
public sealed class StrataS3StoreTests(StrataS3Server server) : S3StoreTests(server);

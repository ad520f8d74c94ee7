using System.Reflection;
using Strata.Azure;
using Strata.Server;
using Strata.KvConnect;
using Strata.S3;
using Strata.Sqlite;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>The public surface is what the committed text says: a change to it is a decision, and a line in CHANGELOG.md.</summary>
public sealed class PublicApiTests
{
    private const string Accept = "STRATA_ACCEPT_API";

    public static TheoryData<Assembly> Libraries => [typeof(IBlobStore).Assembly, typeof(BlobStoreConformance).Assembly, typeof(KvConnectDatabase).Assembly, typeof(SqliteKvDatabase).Assembly, typeof(S3BlobStore).Assembly, typeof(AzureBlobStore).Assembly, typeof(StrataServer).Assembly];

    [Theory]
    [MemberData(nameof(Libraries), DisableDiscoveryEnumeration = true)]
    public void The_public_surface_is_the_one_that_was_accepted(Assembly library)
    {
        string[] actual = [.. PublicSurface.Of(library)];
        string path = Path.Combine(Repository.Root, "tests", "Strata.Tests", "Tidy", $"PublicAPI.{library.GetName().Name}.txt");
        if (Environment.GetEnvironmentVariable(Accept) == "1") File.WriteAllText(path, string.Concat(actual.Select(line => line + "\n")));

        string[] accepted = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] added = [.. actual.Except(accepted)], removed = [.. accepted.Except(actual)];
        Assert.True(
            added.Length + removed.Length == 0,
            $"""
             The public surface of {library.GetName().Name} changed:
             {string.Join('\n', [.. removed.Select(l => "- " + l), .. added.Select(l => "+ " + l)])}
             If that is meant, run the tests with {Accept}=1 set, commit {Path.GetFileName(path)}, and add a line to CHANGELOG.md.
             """);
    }
}

using Xunit;

namespace Strata.Server.Tests;

/// <summary>The JavaScript clients: the packages of <c>node/package-lock.json</c>, which <c>test.sh</c> installs, and the programs that drive them.</summary>
internal static class NodePackages
{
    /// <summary>Deno itself.</summary>
    public static string Deno => Assert.Single(Directory.GetFiles(Path.Combine(FolderWith("deno"), "@deno"), "deno", SearchOption.AllDirectories));

    /// <summary>Where the packages are, unless STRATA_NODE_MODULES names another place.</summary>
    /// <param name="package">One that is needed.</param>
    public static string FolderWith(string package)
    {
        string folder = Environment.GetEnvironmentVariable("STRATA_NODE_MODULES") ?? Path.Combine(Root(), "artifacts", "node", "node_modules");
        Assert.True(Directory.Exists(Path.Combine(folder, package)), $"'{folder}' has no {package}: ./test.sh installs it (npm ci).");
        return folder;
    }

    /// <summary>One of our programs.</summary>
    public static string ProgramOf(string name) => Path.Combine(Root(), "tests", "Strata.Server.Tests", "Clients", "node", name);

    /// <summary>The repository; not by the source's path, which a build in CI does not tell.</summary>
    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Strata.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("These tests run within the repository.");
    }
}

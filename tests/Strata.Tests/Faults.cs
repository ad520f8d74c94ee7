using Xunit;

namespace Strata.Tests;

/// <summary>For tests that look for faults: each is shown whole, one a line.</summary>
internal static class Faults
{
    public static void None(IEnumerable<string> faults)
    {
        string all = string.Join('\n', faults);
        Assert.True(all.Length == 0, all);
    }
}

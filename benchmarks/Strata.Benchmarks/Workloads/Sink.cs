namespace Strata.Benchmarks;

/// <summary>Where results end, so that no loop is optimised away, and none that did less than it says goes unnoticed.</summary>
internal static class Sink
{
    public static void Expect(long found, long expected)
    {
        if (found != expected) throw new InvalidOperationException($"The work was not done: {found} instead of {expected}.");
    }
}

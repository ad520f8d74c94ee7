namespace Strata.Benchmarks;

/// <summary>One question that the program answers: ours against peers or limits, in one run.</summary>
internal abstract class BenchmarkCase
{
    /// <summary>What <c>--case</c> takes.</summary>
    public abstract string Name { get; }

    /// <summary>One line: what is measured, against what.</summary>
    public abstract string Summary { get; }

    /// <summary>Builds the contestants, runs them, and adds the rows.</summary>
    public abstract Task RunAsync(Contest contest);
}

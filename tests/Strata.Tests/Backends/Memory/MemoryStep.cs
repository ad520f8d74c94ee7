namespace Strata.Tests;

/// <summary>What a step of a random sequence does.</summary>
internal enum MemoryStepKind
{
    Put,
    PutStream,
    Delete,
    Update,
    Copy,
    Read,
    Advance,
    Resize,
    List,
}

/// <summary>Which condition it sets; what stands in it is taken from what the key holds at that moment.</summary>
internal enum MemoryStepCondition
{
    None,
    IfAbsent,
    IfMatch,
    IfMatchAnother,
    IfOlderThanLater,
    IfOlderThanCurrent,
}

/// <summary>One call.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Key">On which key.</param>
/// <param name="Target">Of a copy: onto which.</param>
/// <param name="Length">Bytes written.</param>
/// <param name="Condition">Under which condition.</param>
/// <param name="Minutes">Until what is written expires, 0 for never; or by how many the clock goes on.</param>
internal sealed record MemoryStep(MemoryStepKind Kind, int Key, int Target, int Length, MemoryStepCondition Condition, int Minutes)
{
    public const int Keys = 40;

    public static MemoryStep Of(MemoryStepKind kind, Random random) => new(
        kind,
        random.Next(Keys),
        random.Next(Keys),
        random.Next(3) > 0 ? random.Next(1_500) : random.Next(10_000),
        random.Next(3) == 0 ? (MemoryStepCondition)random.Next(6) : MemoryStepCondition.None,
        kind == MemoryStepKind.Advance ? random.Next(1, 100) : random.Next(5) == 0 ? random.Next(1, 60) : 0);
}

/// <summary>A sequence of calls.</summary>
internal sealed class MemorySteps(IReadOnlyList<MemoryStep> all)
{
    public IReadOnlyList<MemoryStep> All => all;

    /// <summary>Simpler sequences, the much simpler ones first.</summary>
    public IEnumerable<MemorySteps> Shorter()
    {
        for (int taken = all.Count / 2; taken > 0; taken /= 2)
        {
            for (int from = 0; from + taken <= all.Count; from += taken) yield return new MemorySteps([.. all.Take(from), .. all.Skip(from + taken)]);
        }

        for (int i = 0; i < all.Count; i++)
        {
            if (all[i].Condition != MemoryStepCondition.None) yield return With(i, all[i] with { Condition = MemoryStepCondition.None });
            if (all[i].Minutes > 1) yield return With(i, all[i] with { Minutes = all[i].Minutes / 2 });
            if (all[i].Length > 0) yield return With(i, all[i] with { Length = all[i].Length / 2 });
        }
    }

    public override string ToString() => "\n" + string.Join('\n', all);

    private MemorySteps With(int index, MemoryStep step) => new([.. all.Take(index), step, .. all.Skip(index + 1)]);
}

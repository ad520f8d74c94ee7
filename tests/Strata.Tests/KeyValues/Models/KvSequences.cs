using FsCheck;
using FsCheck.Fluent;

namespace Strata.Tests;

/// <summary>Random sequences of steps, and simpler ones that may fail in the same way.</summary>
internal static class KvSequences
{
    private const int MostSteps = 40;

    public static Arbitrary<KvStep[]> All { get; } = Arb.From(Sequence(), Simpler);

    private static Gen<int> Key => Gen.Choose(0, KvStep.Keys.Length - 1);

    private static Gen<bool> OneIn(int n) => Gen.Choose(1, n).Select(i => i == 1);

    private static Gen<KvStep[]> Sequence()
    {
        Gen<KvStep> step = Step();
        return Gen.Choose(1, MostSteps).SelectMany(n => step.ArrayOf(n));
    }

    private static Gen<KvStep> Step() => Gen.Frequency(
        (10, Write()),
        (6, Read()),
        (3, Gen.Choose(0, 30).Select(KvStep (ms) => new KvStep.Pass(ms))),
        (1, Gen.Choose(1, 3).Select(KvStep (hours) => new KvStep.SetBack(hours * 3_600_000))),
        (1, OneIn(20).Select(KvStep (isDone) => isDone ? new KvStep.Reopen() : new KvStep.Pass(1))));

    private static Gen<KvStep> Write()
    {
        Gen<KvStep.Check> check = Check();
        Gen<KvStep.Change> change = Change();
        return
            from checkCount in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(1, 3)))
            from checks in check.ArrayOf(checkCount)
            from changeCount in Gen.Choose(0, 5)
            from changes in change.ArrayOf(changeCount)
            select (KvStep)new KvStep.Write(checks, changes);
    }

    private static Gen<KvStep.Check> Check() =>
        from key in Key
        from expected in Gen.Elements(KvStep.Expected.Nothing, KvStep.Expected.Current, KvStep.Expected.Current, KvStep.Expected.Earlier)
        select new KvStep.Check(key, expected);

    private static Gen<KvStep.Change> Change() =>
        from kind in Gen.Frequency(
            (6, Gen.Constant(KvMutationKind.Set)), (3, Gen.Constant(KvMutationKind.Delete)), (2, Gen.Elements(KvMutationKind.Sum, KvMutationKind.Max, KvMutationKind.Min)), (1, Gen.Constant(KvMutationKind.SetVersionstampedKey)))
        from key in Key
        from number in Gen.Elements(0UL, 1UL, 2UL, 7UL, ulong.MaxValue)
        from isText in OneIn(8)
        from expires in Gen.Frequency((4, Gen.Constant((int?)null)), (2, Gen.Choose(-1, 40).Select(ms => (int?)ms)))
        select new KvStep.Change(kind, key, number, isText, kind == KvMutationKind.Delete ? null : expires);

    private static Gen<KvStep> Read()
    {
        Gen<KvStep.Range> range =
            from start in Gen.Choose(-1, KvStep.Keys.Length - 1)
            from end in Gen.Choose(-1, KvStep.Keys.Length - 1)
            from limit in Gen.Choose(1, 12)
            from reverse in OneIn(2)
            from keysOnly in OneIn(3)
            select new KvStep.Range(start, end, limit, reverse, keysOnly);
        return Gen.Choose(1, 3).SelectMany(count => range.ArrayOf(count)).Select(KvStep (ranges) => new KvStep.Read(ranges));
    }

    /// <summary>Without a half, without a step, and with a step that is less.</summary>
    private static IEnumerable<KvStep[]> Simpler(KvStep[] steps)
    {
        for (int length = steps.Length / 2; length >= 1; length /= 2)
        {
            for (int at = 0; at + length <= steps.Length && steps.Length > 1; at += length) yield return [.. steps[..at], .. steps[(at + length)..]];
        }

        for (int i = 0; i < steps.Length; i++)
        {
            foreach (KvStep less in Less(steps[i])) yield return [.. steps[..i], less, .. steps[(i + 1)..]];
        }
    }

    private static IEnumerable<KvStep> Less(KvStep step) => step switch
    {
        KvStep.Write write => Without(write.Checks).Select(KvStep (checks) => write with { Checks = checks })
            .Concat(Without(write.Changes).Select(changes => write with { Changes = changes }))
            .Concat(write.Changes.SelectMany((change, i) => Less(change).Select(less => write with { Changes = [.. write.Changes[..i], less, .. write.Changes[(i + 1)..]] }))),
        KvStep.Read read => Without(read.Ranges).Where(ranges => ranges.Length > 0).Select(KvStep (ranges) => new KvStep.Read(ranges)),
        KvStep.Pass { Milliseconds: > 1 } pass => [new KvStep.Pass(pass.Milliseconds / 2), new KvStep.Pass(pass.Milliseconds - 1)],
        _ => [],
    };

    private static IEnumerable<KvStep.Change> Less(KvStep.Change change)
    {
        if (change.ExpiresIn is not null) yield return change with { ExpiresIn = null };
        if (change.Number > 1) yield return change with { Number = 1 };
        if (change.Kind is not (KvMutationKind.Set or KvMutationKind.Delete)) yield return change with { Kind = KvMutationKind.Set };
    }

    private static IEnumerable<T[]> Without<T>(T[] items)
    {
        for (int i = 0; i < items.Length; i++) yield return [.. items[..i], .. items[(i + 1)..]];
    }
}

namespace Strata.Reliability;

/// <summary>
/// Whether some order of a register's calls, which respects that one ended before another began, explains what each of
/// them saw (Wing and Gong, 1993, with the states that were tried remembered).
/// </summary>
internal static class Linearizability
{
    public static bool Holds(IReadOnlyList<RegisterEvent> history)
    {
        var tried = new HashSet<(UInt128 Done, int Value)>();
        return Explains(history, UInt128.Zero, 0, tried);
    }

    private static bool Explains(IReadOnlyList<RegisterEvent> history, UInt128 done, int value, HashSet<(UInt128, int)> tried)
    {
        if (done == (UInt128.One << history.Count) - 1) return true;
        if (!tried.Add((done, value))) return false;
        int firstReturn = int.MaxValue;
        for (int i = 0; i < history.Count; i++)
        {
            if ((done >> i & 1) == 0) firstReturn = Math.Min(firstReturn, history[i].Return);
        }

        for (int i = 0; i < history.Count; i++)
        {
            if ((done >> i & 1) != 0 || history[i].Call > firstReturn) continue;
            if (Next(history[i], value) is { } next && Explains(history, done | (UInt128.One << i), next, tried)) return true;
        }

        return false;
    }

    /// <summary>The value behind a call that finds this one; null if it cannot have come at this point.</summary>
    private static int? Next(RegisterEvent call, int value) => call.Action switch
    {
        RegisterAction.Read => call.Result == value ? value : null,
        RegisterAction.Write => call.Written,
        RegisterAction.Delete => 0,
        RegisterAction.Remove => call.Result == (value == 0 ? 0 : 1) ? 0 : null,
        RegisterAction.Create => Conditional(call, value, value == 0),
        RegisterAction.Replace => Conditional(call, value, value != 0 && value == call.Expected),
        RegisterAction.Evict => value == 0 ? null : 0,

        // It expected a place, not a value; what it saw there was this value. Refused, something came between.
        _ => call.Result == 0 ? value : value == call.Expected ? call.Written : null,
    };

    private static int? Conditional(RegisterEvent call, int value, bool holds) => holds != (call.Result == 1) ? null : holds ? call.Written : value;
}

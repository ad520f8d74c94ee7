namespace Strata.Testing;

/// <summary>When a wrapper steps in.</summary>
public enum CallMoment
{
    /// <summary>Before the wrapped store is called: nothing is applied.</summary>
    Before,

    /// <summary>After the wrapped store has done the call, before the caller hears of it.</summary>
    After,
}

namespace Strata;

/// <summary>
/// The long forms of these tests, with the counts that RELIABILITY asks for, run where <c>STRATA_LONG=1</c> is set; without
/// it the same tests run with some tenth of it or less. Compiled into each test project that has long forms.
/// </summary>
internal static class LongForm
{
    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("STRATA_LONG") == "1";

    public static T Of<T>(T whole, T part) => IsOn ? whole : part;
}

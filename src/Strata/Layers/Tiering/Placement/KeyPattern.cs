namespace Strata;

/// <summary>Matches names with <c>*</c> (any characters but a slash) and <c>**</c> (any characters). No other character is special.</summary>
/// <remarks>
/// Only the last star of each kind is ever tried again: what an earlier one could take in, a later one can, and a star between two
/// slashes is bound by them. So it ends after at most length of name × length of name × length of pattern steps, whatever the pattern.
/// </remarks>
internal static class KeyPattern
{
    public const int MaxLength = 1024;

    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int p = 0, n = 0;
        Retry star = Retry.None, stars = Retry.None;
        while (true)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                bool isDouble = p + 1 < pattern.Length && pattern[p + 1] == '*';
                p += isDouble ? 2 : 1;
                if (isDouble) (stars, star) = (new Retry(p, n), Retry.None);
                else star = new Retry(p, n);
            }
            else if (p == pattern.Length && n == name.Length)
            {
                return true;
            }
            else if (p < pattern.Length && n < name.Length && pattern[p] == name[n])
            {
                p++;
                n++;
            }
            else if (star.CanGrow(name) && name[star.Name] != '/')
            {
                star = star.Grown();
                (p, n) = (star.Pattern, star.Name);
            }
            else if (stars.CanGrow(name))
            {
                (stars, star) = (stars.Grown(), Retry.None);
                (p, n) = (stars.Pattern, stars.Name);
            }
            else
            {
                return false;
            }
        }
    }

    /// <summary>Behind a star: where the pattern goes on, and how far into the name the star reaches.</summary>
    private readonly record struct Retry(int Pattern, int Name)
    {
        public static Retry None => new(-1, 0);

        public bool CanGrow(ReadOnlySpan<char> name) => Pattern >= 0 && Name < name.Length;

        public Retry Grown() => this with { Name = Name + 1 };
    }
}

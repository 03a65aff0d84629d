// Unix time as ISO 8601 text. Arithmetic only, so that the pure core can write it.

const DAY_MS = 86_400_000;

/** Days in 400 years of the Gregorian calendar, after which it repeats. */
const ERA_DAYS = 146_097;

/** `2026-01-31T23:59:59.999Z` for a time since 1970, in Unix ms. */
export function isoTime(unixMs: number): string {
  const ms = Math.floor(unixMs);
  const days = Math.floor(ms / DAY_MS);
  const inDay = ms - days * DAY_MS;
  const { year, month, day } = civilDate(days);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  const hours = Math.floor(inDay / 3_600_000);
  const minutes = Math.floor(inDay / 60_000) % 60;
  const seconds = Math.floor(inDay / 1000) % 60;
  return `${date}T${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(inDay % 1000, 3)}Z`;
}

/** Years are counted from March here, so that the leap day is the last of its year. */
function civilDate(daysSince1970: number): { year: number; month: number; day: number } {
  // 0000-03-01 lies 719468 days before 1970-01-01.
  const days = daysSince1970 + 719_468;
  const era = Math.floor(days / ERA_DAYS);
  const dayOfEra = days - era * ERA_DAYS;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (ERA_DAYS - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Months from March have 31, 30, 31, 30, 31 days, again and again: 153 in five.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

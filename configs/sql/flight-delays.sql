-- How late flights leave each airport, day by day: what configs/jobs/flight-delays.yaml says, in SQL.
CREATE TABLE flights (
  date timestamp NOT NULL,
  origin text NOT NULL,
  destination text NOT NULL,
  delay integer NOT NULL,
  distance integer NOT NULL
) WITH (topic = 'flights', time = 'date', time_pattern = 'yyyy/MM/dd HH:mm');

CREATE TABLE delays () WITH (connector = 'kafka', topic = 'flight-delays');

SET quorum.file = '../quorum/majority.yaml';

INSERT INTO delays
SELECT
  count(*) AS flights,
  count(*) FILTER (WHERE delay > 15) AS delayed,
  avg(delay) AS "meanDelay",
  max(delay) AS worst
FROM flights
WHERE distance >= 100
GROUP BY origin, TUMBLE(date, INTERVAL '1' DAY);
